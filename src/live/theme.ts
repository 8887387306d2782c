/** The colours of the style sheet, for what is drawn on a canvas. */

/** A colour of the style sheet as it is now, light or dark: `--in` and the like. */
export function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Calls back when light becomes dark or dark light. */
export function onThemeChange(callback: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}
