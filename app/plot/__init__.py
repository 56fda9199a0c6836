"""
Plots as inline SVG: axes with units, legends, and colours that the page around them chooses.

They know nothing of trading. Colours, fonts and dashes are CSS classes (`s1` to `s8` for series, `gain`,
`loss`, `axis`, `grid`, `label`), so one drawing serves light, dark and print.
"""
