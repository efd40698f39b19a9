"""Speed and memory of the engine on this machine, held against the project's budgets."""
