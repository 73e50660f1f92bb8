"""Targets: records to lines of one Bedrock format, a file each."""

from __future__ import annotations

from typing import Any

from pipeline.targets.batch_inference import BatchInference
from pipeline.targets.claude3_messages import Claude3Messages
from pipeline.targets.conversation import Conversation
from pipeline.targets.distillation import Distillation
from pipeline.targets.image_caption import ImageCaption
from pipeline.targets.prepared import CHANGES
from pipeline.targets.pretraining import Pretraining, PretrainingText
from pipeline.targets.prompt_completion import PromptCompletion
from pipeline.targets.reinforcement import Reinforcement

TARGETS: dict[str, Any] = {
    target.format: target
    for target in (
        PromptCompletion,
        Conversation,
        Claude3Messages,
        ImageCaption,
        Pretraining,
        PretrainingText,
        Reinforcement,
        Distillation,
        BatchInference,
    )
}
"""Every format by its name."""

REASONS: dict[str, str] = {
    "broken_extra": "the record's extra JSON is not an object",
    "broken_tools": "a tool lacks its name, its description or its parameters",
    "broken_turns": "a turn is not a role and a list of blocks that the format knows",
    "empty_turn": "a turn has no text",
    "image_not_prepared": "an image's format is not known, or it cannot be written for the model",
    "images_not_allowed": "the record has images and the format has no place for them",
    "images_without_owner": "no account is set that owns the bucket of the images",
    "images_without_prefix": "no S3 prefix is set under which the images will stand",
    "language_not_wanted": "the record is in a language outside the target's `languages`",
    "media_not_allowed": "the record has videos or documents and the format has no place for them",
    "media_without_owner": "media name no bucketOwner, and publish.expected_bucket_owner none",
    "mixed_media": "images, videos and documents do not go together",
    "more_than_one_image": "the format takes one image a record",
    "more_than_one_turn": "the format takes one prompt and one completion",
    "no_caption": "the image has no caption",
    "no_completion": "no turn of the assistant ends the record",
    "no_image": "the record has no image",
    "no_prompt": "the record has no turn of the user",
    "no_reference_answer": "nothing to measure an answer against",
    "no_text": "the record has no text",
    "reasoning_with_images": "reasoning goes with text alone",
    "reasoning_with_media": "reasoning goes with text alone",
    "system_not_allowed": "the format has no place for a system prompt and the target refuses it",
    "tools_not_allowed": "the record has tool calls and the format has no place for them",
    "turns_out_of_order": "turns must alternate, the user's first",
}
"""What each reason means, for people."""

LOSSES: dict[str, str] = {
    "tools_filled_in": "the record declares no tools, the target's are used",
    "tools_left_out": "declared tools, which no turn calls, are left out",
    "answer_became_reference": "the last answer is what the grader measures against, no turn",
    "answer_left_out": "the last answer is left for the model to give",
    "answer_left_to_teacher": "the answer is left out: the teacher writes its own",
    "reasoning_left_out": "the reasoning before the answer is left out",
    "reference_left_out": "the reference answer is left out: no grader reads this format",
    "system_filled_in": "the record had no system prompt and got the target's",
    "system_joined_to_prompt": "the format has no system prompt: it stands before the prompt",
    "system_left_out": "the format has no system prompt: it is left out",
    "turns_left_out": "the format takes one text: the turns beside it are left out",
    **CHANGES,
}
"""What a line says otherwise than its record, or not at all, for people."""
