"""One-Euro filtering: numbers over time, whatever they mean."""
