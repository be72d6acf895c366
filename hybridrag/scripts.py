"""Scripts by their blocks of Unicode, for the classes of regular expressions."""

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: no blanks between words."""
HANGUL = "\uac00-\ud7a3"
"""Korean: blanks between words, and endings that hang on them."""
