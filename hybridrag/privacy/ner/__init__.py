"""Names models and other people's detectors, behind the `Detector` port. Nothing here is loaded unless it is chosen."""
