// The base of every element of the page: Lit without a shadow root (one style sheet, and the
// editor and the terminal need the document's), drawn again when a signal it read has changed.
import { effect } from "@preact/signals-core";
import { LitElement } from "lit";

/** An element that tracks the signals its `render()` reads. */
export abstract class Pane extends LitElement {
  #dispose: (() => void) | undefined;

  protected override createRenderRoot(): HTMLElement {
    // Whatever the server sent is a stand-in until the first drawing.
    this.replaceChildren();
    return this;
  }

  protected override performUpdate(): void {
    if (!this.isUpdatePending) return;
    this.#dispose?.();
    let first = true;
    this.#dispose = effect(() => {
      if (!first) {
        this.requestUpdate();
        return;
      }
      first = false;
      super.performUpdate();
    });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#dispose?.();
    this.#dispose = undefined;
  }
}

/** True when the reader has asked the system for less motion. */
export const calm = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * Draws the eye to the one thing that a step changed, 200 ms.
 *
 * @param target what changed; nothing happens when it is missing or motion is unwanted.
 */
export function arrive(target: Element | null | undefined): void {
  if (!target || calm()) return;
  const now = getComputedStyle(target).getPropertyValue("--now");
  target.animate(
    [
      { outline: `2px solid ${now}`, outlineOffset: "7px", opacity: 0.35 },
      { outline: `2px solid ${now}`, outlineOffset: "-1px", opacity: 1, offset: 0.8 },
      { outline: "2px solid transparent", outlineOffset: "-1px", opacity: 1 },
    ],
    { duration: 240, easing: "ease-out" },
  );
}
