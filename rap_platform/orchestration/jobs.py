"""Jobs that schedules start; one partitioning each, since Dagster can't mix them in a job."""

import dagster as dg

refresh_artists = dg.define_asset_job(
    "refresh_artists", selection=["genius_songs"], description="Looks for new songs of every watched artist."
)
refresh_spotify = dg.define_asset_job(
    "refresh_spotify",
    selection=["spotify_tracks", "audio_features"],
    description="Asks again for tracks that Spotify did not know.",
)
ask_llm = dg.define_asset_job(
    "ask_llm", selection=["qwen_analyses"], description="Asks the LLM for the analyses that are still missing."
)
ask_other_llms = dg.define_asset_job(
    "ask_other_llms",
    selection=["compared_analyses"],
    description="Asks the other LLMs for what they have not read of the sample.",
)
retrain = dg.define_asset_job(
    "retrain",
    selection=[
        "ratings",
        "training_dataset",
        "quality_model",
        "commercial_model",
        "evaluation_report",
        "champion",
        "serving_release",
    ],
    description="Ratings, dataset, models, evaluation, champion; does nothing when nothing changed.",
)
import_inbox = dg.define_asset_job(
    "import_inbox",
    selection=["imported_songs", "imported_audio_features"],
    description="Imports the files of the inbox folder.",
)

JOBS = [refresh_artists, refresh_spotify, ask_llm, ask_other_llms, retrain, import_inbox]
