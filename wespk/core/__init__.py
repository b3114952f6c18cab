"""The ground floor: errors, strict configuration, atomic files, rejections, progress, manifest."""
