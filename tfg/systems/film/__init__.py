"""A film that is dubbed: its frames and times, the face followed through it, the face laid back."""
