// Pages are complete without this: it keeps what they show fresh, and makes the SQL editor handier.
"use strict";

// Parts marked data-refresh="seconds" are replaced by what the same address shows now.
(() => {
  const part = document.querySelector("[data-refresh]");
  const note = document.querySelector(".live");
  if (!part || !note) return;
  const seconds = Number(part.dataset.refresh);
  let paused = false;

  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  const tell = () => {
    button.textContent = paused ? "Resume" : "Pause";
    note.firstChild.data = paused ? "Updates are paused. " : `Updates every ${seconds} s. `;
  };
  note.append("", button);
  note.insertBefore(document.createTextNode(""), note.firstChild);
  button.addEventListener("click", () => {
    paused = !paused;
    tell();
  });
  tell();
  note.hidden = false;

  // Nothing is taken away from under a reader's keyboard or selection.
  const inUse = () => {
    const selection = document.getSelection();
    const selecting = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
    return selecting || (part !== document.activeElement && part.contains(document.activeElement));
  };

  const refresh = async () => {
    if (paused || document.hidden || inUse()) return;
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || paused || inUse()) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) return;
    const offsets = [...part.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
    part.replaceChildren(...fresh.childNodes);
    part.querySelectorAll(".scroll").forEach((each, at) => {
      each.scrollLeft = offsets[at] ?? 0;
    });
  };

  const next = () => {
    setTimeout(async () => {
      // A server that is away for a moment is asked again later.
      await refresh().catch(() => {});
      next();
    }, seconds * 1000);
  };
  next();
})();

// The SQL editor: Ctrl+Enter runs; a click on a column writes its name; the cursor goes to a mistake.
(() => {
  const editor = document.getElementById("q");
  if (!editor || editor.tagName !== "TEXTAREA") return;
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      editor.form.requestSubmit();
    }
  });
  const hint = document.querySelector(".hint");
  if (hint) hint.prepend("Ctrl+Enter runs. ");
  for (const name of document.querySelectorAll(".schema code.name")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet name";
    button.textContent = name.textContent;
    button.title = "Write it at the cursor";
    button.addEventListener("click", () => {
      const plain = /^[a-z_][a-z0-9_]*$/i.test(button.textContent);
      const text = plain ? button.textContent : `"${button.textContent}"`;
      editor.setRangeText(text, editor.selectionStart, editor.selectionEnd, "end");
      editor.focus();
    });
    name.replaceWith(button);
  }
  const marked = document.querySelector("pre.marked");
  if (marked) {
    const lines = editor.value.split("\n").slice(0, Number(marked.dataset.line) - 1);
    const at = lines.reduce((sum, line) => sum + line.length + 1, 0) + Number(marked.dataset.column) - 1;
    editor.focus();
    editor.setSelectionRange(at, at);
  }
})();
