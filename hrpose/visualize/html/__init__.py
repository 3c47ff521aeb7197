"""Parts of pages that are one file: template, style, script and pictures all inside it."""
