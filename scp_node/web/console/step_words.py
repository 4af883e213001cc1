"""What the steps of the story of a study are called on a page: each a caption. One without is shown by its name."""

from __future__ import annotations

STEP_WORDS: dict[str, str] = {
    "received": "Received",
    "choose_route": "Route chosen",
    "check_eligibility": "Header checked",
    "convert": "Rendered",
    "infer": "Analysed by the model",
    "pass_gate": "Input gate asked",
    "look_at_lungs": "Lungs looked at",
    "judge": "Judged",
    "quarantined": "Quarantined",
    "new_version": "Other bytes came",
    "wait_until_quiet": "Waited for more images",
    "gather_images": "Images of the report gathered",
    "left_out": "Left out of the report",
    "choose_results": "Results chosen",
    "build_heatmaps": "Heat maps built",
    "build_status_card": "Status card built",
    "build_presentation_states": "Presentation states built",
    "build_report": "Structured Report built",
    "build_text_report": "Report in sentences built",
    "build_key_objects": "Key objects chosen",
    "build_pdf": "Report as PDF built",
    "write_messages": "Messages written",
    "hand_to_delivery": "Handed to delivery",
    "report": "Report",
    "send": "Sending",
    "fall_back": "Sending in another SOP class",
    "commitment": "Storage commitment",
    "retention": "Retention",
}
