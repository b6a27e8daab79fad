"""POST /analyze."""

from fastapi import APIRouter, BackgroundTasks

from rap_platform.serving.api.analyze import service
from rap_platform.serving.api.analyze.schemas import AnalysisAnswer, AnalysisQuestion
from rap_platform.serving.api.problems import EncoderAway, documented
from rap_platform.serving.api.services import ServicesDep

router = APIRouter(tags=["analysis"])


@router.post("/analyze", responses=documented(EncoderAway))
async def analyze(question: AnalysisQuestion, services: ServicesDep, after: BackgroundTasks) -> AnalysisAnswer:
    """Scores, moods, themes and evidence for lyrics, by QWEN or by the rules; answers are cached for a day."""
    answered = await service.analyze(services, question)
    if question.analyzer == "qwen":
        after.add_task(service.count, services, answered)
    return answered.answer
