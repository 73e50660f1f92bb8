"""Rules for the media files that a data set names, if they exist locally."""

from __future__ import annotations

from pipeline.checks.rule import FORGE, NOVA, NOVA2, PREPARE, Rule, by_name

WITH_MEDIA = ("conversation", "image_caption")

# fmt: off
MEDIA_RULES = by_name(
    Rule("media-missing", "none of the media that the data names is in the folder given",
         "name the folder that they are below", PREPARE, ("R17",), formats=WITH_MEDIA),
    Rule("media-not-opened", "media that the data names are not here, and were not opened",
         "copy them here to have them looked at, in the folders that their keys name", PREPARE,
         ("R17",), formats=WITH_MEDIA, severity="note"),
    Rule("image-name", "an image whose name ends as those of a format that the model does not take",
         "convert it, or give it the right name", PREPARE, ("R17",), formats=("image_caption",),
         severity="warning", of_card=True),
    Rule("image-not-decoded", "an image with more pixels than are decoded here",
         "shrink it, or see for yourself that it opens", PREPARE, ("R17",), formats=WITH_MEDIA,
         severity="warning"),
    Rule("image-unreadable", "not an image that can be decoded to its end", "replace the file",
         NOVA, ("R17",)),
    Rule("image-signature", "the file is of another format than declared",
         "declare what it is, or convert it", FORGE, ("R17",), formats=("conversation",)),
    Rule("image-format", "an image format that the model does not accept", "convert it", PREPARE,
         ("R17",), of_card=True),
    Rule("image-too-heavy", "an image file with too many bytes", "compress or shrink it", PREPARE,
         ("R17",), of_card=True),
    Rule("image-too-small", "an image with a side too short", "replace it", PREPARE, ("R17",),
         of_card=True),
    Rule("image-too-large", "an image with a side too long", "shrink it", PREPARE, ("R17",),
         of_card=True),
    Rule("image-too-many-pixels", "an image with too many pixels", "shrink it", PREPARE, ("R17",),
         of_card=True),
    Rule("image-bad-ratio", "an image too wide or too tall", "crop it", PREPARE, ("R17",),
         of_card=True),
    Rule("video-unreadable", "not a video whose container can be read", "replace the file", NOVA,
         ("R17",), formats=("conversation",)),
    Rule("video-signature", "the file's container is not the declared one",
         "declare what it is, or convert it", FORGE, ("R17",), formats=("conversation",)),
    Rule("video-too-heavy", "a video file with too many bytes", "compress or cut it", NOVA,
         ("limits",), formats=("conversation",), of_card=True),
    Rule("video-too-long", "a video with too many seconds", "cut it", NOVA, ("limits",),
         formats=("conversation",), of_card=True),
    Rule("video-length-unknown", "a video whose file does not record its length",
         "rewrite it with its length, as ffmpeg does with -c copy", NOVA, ("limits",),
         formats=("conversation",), severity="warning", of_card=True),
    Rule("document-signature", "the file is not a document of the declared format",
         "replace the file, or convert it", FORGE, ("R17",), formats=("conversation",)),
    Rule("document-too-heavy", "a document with too many bytes", "compress or split it", NOVA2,
         ("limits",), formats=("conversation",), of_card=True),
)
# fmt: on
