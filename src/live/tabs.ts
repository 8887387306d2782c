/** Tabs by the pattern of the ARIA Authoring Practices: one stop of the Tab key, arrows, Home and End choose. */

/** Makes tabs of a `tablist` whose `tab`s name their panels by `aria-controls`. The address's hash names the chosen one. */
export function connectTabs(list: HTMLElement): void {
  const tabs = [...list.querySelectorAll<HTMLElement>('[role="tab"]')];
  const panelOf = (tab: HTMLElement): HTMLElement | null =>
    document.querySelector(`#${tab.getAttribute("aria-controls") ?? ""}`);
  const choose = (chosen: HTMLElement): void => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      const panel = panelOf(tab);
      if (panel !== null) panel.hidden = !isChosen;
    }
    history.replaceState(null, "", `#${chosen.id.replace("tab-", "")}`);
  };
  const chooseByHash = (): void => {
    const named = tabs.find(({ id }) => id === `tab-${location.hash.slice(1)}`);
    choose(named ?? tabs[0]!);
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const next = nextIndex(event.key, index, tabs.length);
      if (next === undefined) return;
      event.preventDefault();
      choose(tabs[next]!);
      tabs[next]!.focus();
    });
  }
  addEventListener("hashchange", chooseByHash);
  chooseByHash();
}

function nextIndex(key: string, index: number, count: number): number | undefined {
  switch (key) {
    case "ArrowRight":
      return (index + 1) % count;
    case "ArrowLeft":
      return (index + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}
