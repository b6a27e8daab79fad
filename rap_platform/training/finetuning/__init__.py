"""Language models fine-tuned on the dataset: LoRA adapters that judge songs; styles that rewrite lines are in style/."""
