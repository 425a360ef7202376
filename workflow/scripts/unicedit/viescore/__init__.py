"""VIEScore of triplets by a judge: semantic consistency (SC) and perceptual quality (PQ), with prompts of our own."""
