"""From one file and a loaded model to a judged analysis, or to the reason why there is none; routes, and folders."""
