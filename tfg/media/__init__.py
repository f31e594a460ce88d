"""Reading and writing of media files as arrays in time: sound, video, pictures, clips, motion."""
