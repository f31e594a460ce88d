"""Speech: synthetic voices, phones with their times, visemes, and the synthetic speech corpus."""
