"""Acting: displays of emotions, personal style, performances of whole faces, and voices with emotion."""
