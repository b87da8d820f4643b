/** What the page has to say: files that were saved, and requests that were refused. */
import type { Part } from './page.js';

export function Messages({ state: { messages }, actions }: Part) {
  return (
    <div class="messages" role="status" aria-live="polite" aria-label="Messages">
      {messages.map(({ id, kind, text }) => (
        <div key={id} class={`message ${kind}`}>
          <p>{text}</p>
          <button type="button" class="quiet" aria-label="Dismiss this message" onClick={() => actions.dismiss(id)}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
