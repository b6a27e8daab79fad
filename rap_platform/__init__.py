"""rap_platform: songs -> tracks -> Spotify -> features -> embeddings -> analyses -> dataset -> evaluation -> trends -> API.

Imports nothing: whoever needs a room imports that room.
"""
