"""POST /predict-quality."""

from fastapi import APIRouter

from rap_platform.serving.api.database import in_thread
from rap_platform.serving.api.problems import EncoderAway, NoModel, Unanalysable, documented
from rap_platform.serving.api.quality import service
from rap_platform.serving.api.quality.schemas import QualityAnswer, QualityQuestion
from rap_platform.serving.api.services import ServicesDep

router = APIRouter(tags=["analysis"])


@router.post("/predict-quality", responses=documented(NoModel, EncoderAway, Unanalysable))
async def predict_quality(question: QualityQuestion, services: ServicesDep) -> QualityAnswer:
    """The rating, 1 to 10, that the champion model expects for these lyrics."""
    return await in_thread(None, service.predict_quality, services, question)
