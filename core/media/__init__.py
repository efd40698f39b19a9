"""Images and videos in, videos out. Foreign files are decoded in a guarded child process, never in this one."""
