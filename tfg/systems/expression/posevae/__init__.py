"""PoseVAE: network from sound and a style of moving to head motion."""
