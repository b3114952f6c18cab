"""Training: configuration, data order, the loop, checkpoints, distributed set-up."""
