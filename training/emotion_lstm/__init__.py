"""Trains EmotionLSTM (`core/expression/emotion_lstm.py`) on generated sequences."""
