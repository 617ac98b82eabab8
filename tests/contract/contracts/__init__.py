"""House rules as small functions: each looks at one thing and returns its findings as text; none means kept."""
