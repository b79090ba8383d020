"""From numbers to sentences: findings, recommendations, explanations, warnings."""
