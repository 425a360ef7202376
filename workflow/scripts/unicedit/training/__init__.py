"""Training the verifier: samples, their review, SFT and D2PO (paper section on Qwen-Verify)."""
