"""Targets: each turns records into lines of one Bedrock format, in a file of its own."""

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
"""The target classes by the name of their format."""

REASONS: dict[str, str] = {
    "broken_extra": "the record's extra JSON is not an object",
    "broken_tools": "a tool lacks its name, its description or its parameters",
    "broken_turns": "a turn lacks its role or its list of blocks, or has a block of unknown kind",
    "empty_turn": "a turn has no text",
    "image_not_prepared": "an image's format is not known, or it cannot be written for the model",
    "images_not_allowed": "the record has images and the format has no place for them",
    "images_without_owner": "the account that owns the bucket of the images is not set",
    "images_without_prefix": "the S3 prefix under which the images will be stored is not set",
    "language_not_wanted": "the record is in a language outside the target's `languages`",
    "media_not_allowed": "the record has videos or documents and the format has no place for them",
    "media_without_owner": "media have no bucketOwner and publish.expected_bucket_owner is not set",
    "mixed_media": "images, videos and documents cannot be combined in one record",
    "more_than_one_image": "the format allows one image per record",
    "more_than_one_turn": "the format allows one prompt and one completion",
    "no_caption": "the image has no caption",
    "no_completion": "the record does not end with a turn of the assistant",
    "no_image": "the record has no image",
    "no_prompt": "the record has no turn of the user",
    "no_reference_answer": "the record has no answer that a grader could measure against",
    "no_text": "the record has no text",
    "reasoning_with_images": "reasoning cannot be combined with images, only with text",
    "reasoning_with_media": "reasoning cannot be combined with media, only with text",
    "system_not_allowed": "the format has no place for a system prompt, and the target rejects it",
    "tools_not_allowed": "the record has tool calls and the format has no place for them",
    "turns_out_of_order": "turns must alternate, the user's first",
}
"""What each reason means, in words for people."""

LOSSES: dict[str, str] = {
    "tools_filled_in": "the record declares no tools, so the target's are used",
    "tools_left_out": "declared tools that no turn calls are left out",
    "answer_became_reference": "the last answer is the reference for the grader instead of a turn",
    "answer_left_out": "the last answer is left out for the model to write",
    "answer_left_to_teacher": "the answer is left out: the teacher writes its own",
    "reasoning_left_out": "the reasoning before the answer is left out",
    "reference_left_out": "the reference answer is left out: no grader reads this format",
    "system_filled_in": "the record had no system prompt and got the target's",
    "system_joined_to_prompt": "the format has no system prompt: it is put before the prompt",
    "system_left_out": "the format has no system prompt: it is left out",
    "turns_left_out": "the format takes one text: the turns beside it are left out",
    **CHANGES,
}
"""What a line expresses differently from its record, or leaves out, in words for people."""
