"""The search over what was collected: by meaning, by words and by sound, tracks like a track, recommendations."""
