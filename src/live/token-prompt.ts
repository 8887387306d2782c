/** Asks for an administrator's token. It is kept for this tab only, and sent in a header, never in an address. */
import { byId, setShown, setText } from "./element.ts";
import type { PageState } from "./page-state.ts";

const KEY = "otel-bandwidth-token";

/** The token given earlier in this tab. */
export function storedToken(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    // Storage may be forbidden: the token is then asked for again after a reload.
    return undefined;
  }
}

/** The form. */
export class TokenPrompt {
  readonly #form = byId("token-prompt");
  readonly #input = byId("token") as HTMLInputElement;
  readonly #problem = byId("token-problem");
  readonly #forget = byId("forget-token");

  /** `given` is called with each token that is entered; `forgotten` when it is taken back. */
  constructor(given: (token: string) => void, forgotten: () => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.#input.value.trim();
      // Header values of other characters make the browser refuse the request.
      if (!/^[\x21-\x7e]+$/.test(token)) {
        this.#tell("A token is one word of plain letters, digits and signs.");
        return;
      }
      store(token);
      given(token);
    });
    this.#forget.addEventListener("click", () => {
      store(undefined);
      this.#input.value = "";
      forgotten();
    });
  }

  /** Shows the form while a token is needed. */
  update({ connection, tokenRejected, reason }: PageState): void {
    const needed = connection === "unauthorised";
    const appears = needed && this.#form.hidden;
    setShown(this.#form, needed);
    setShown(this.#forget, !needed && storedToken() !== undefined);
    if (!needed) this.#input.value = "";
    if (tokenRejected) this.#tell(`The receiver does not accept this token${reason === "" ? "" : `: ${reason}`}.`);
    else if (appears) this.#tell("");
    if (appears || (needed && tokenRejected)) this.#input.focus();
  }

  #tell(problem: string): void {
    setText(this.#problem, problem);
    this.#input.setAttribute("aria-invalid", String(problem !== ""));
  }
}

function store(token: string | undefined): void {
  try {
    if (token === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // Kept in memory only.
  }
}
