"""Pictures of text: images, and pages that are one."""
