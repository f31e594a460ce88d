"""Virtual actors: voices with known phoneme times, visemes, emotions, performances."""
