"""Who the track is on Spotify."""
