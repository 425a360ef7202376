"""VIEScore of triplets by a judge: semantic consistency (SC) and perceptual quality (PQ); and what other benchmarks ask about edits. All prompts are our own."""
