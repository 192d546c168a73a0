// Monaco, loaded after the first drawing: reads only, shows one line lit and values beside lines.
import { effect } from "@preact/signals-core";
import * as monaco from "monaco-editor/editor";
import "monaco-editor/features/find/register";
import "monaco-editor/features/bracketMatching/register";
import "monaco-editor/features/wordHighlighter/register";
import "monaco-editor/features/clipboard/register";
import "monaco-editor/features/gotoLine/register";
import "monaco-editor/features/codicon/register";
import "monaco-editor/languages/definitions/typescript/register";
import "monaco-editor/languages/definitions/cpp/register";
import EditorWorker from "monaco-editor/editor/editor.worker?worker";
import type { SourceLine } from "../machine/types.ts";
import type { Hint } from "./draw/hints.ts";
import { dark } from "./state.ts";
import { hexToken, token } from "./theme.ts";

export interface Editor {
  setText(file: string, text: string): void;
  /** Lights a line; `innermost` false: a caller's line, which waits. `moved`: draw the eye. */
  show(at: SourceLine, innermost: boolean, hints: Hint[], moved: boolean): void;
  dispose(): void;
}

self.MonacoEnvironment = { getWorker: () => new EditorWorker() };

function defineTheme(): void {
  const hex = (name: string) => hexToken(name).slice(1);
  monaco.editor.defineTheme("pagewalk", {
    base: dark.peek() ? "vs-dark" : "vs",
    inherit: false,
    rules: [
      { token: "", foreground: hex("--code"), background: hex("--panel") },
      { token: "keyword", foreground: hex("--code-keyword") },
      { token: "comment", foreground: hex("--code-comment") },
      { token: "number", foreground: hex("--code-number") },
      { token: "string", foreground: hex("--code-string") },
      { token: "type", foreground: hex("--code-type") },
    ],
    colors: {
      "editor.background": hexToken("--panel"),
      "editor.foreground": hexToken("--code"),
      "editorLineNumber.foreground": hexToken("--gutter"),
      "editorLineNumber.activeForeground": hexToken("--gutter"),
      "editor.selectionBackground": hexToken("--selection"),
      "editor.lineHighlightBorder": "#00000000",
      "editor.lineHighlightBackground": "#00000000",
      "editorWidget.background": hexToken("--bg"),
      "editorWidget.foreground": hexToken("--ink"),
      "editorWidget.border": hexToken("--line-strong"),
      "scrollbarSlider.background": `${hexToken("--line-strong")}55`,
      focusBorder: hexToken("--chosen"),
    },
  });
  monaco.editor.setTheme("pagewalk");
}

/** Opens the editor in an element, whose size it follows. */
export function openEditor(home: HTMLElement): Editor {
  defineTheme();
  const size = Math.round(Number.parseFloat(getComputedStyle(home).fontSize));
  const editor = monaco.editor.create(home, {
    model: null,
    theme: "pagewalk",
    readOnly: true,
    domReadOnly: true,
    automaticLayout: true,
    fontFamily: token("--mono"),
    fontSize: size,
    lineHeight: Math.round(size * 1.5),
    minimap: { enabled: false },
    scrollBeyondLastLine: false,
    renderLineHighlight: "none",
    overviewRulerLanes: 0,
    hideCursorInOverviewRuler: true,
    overviewRulerBorder: false,
    folding: false,
    glyphMargin: false,
    lineDecorationsWidth: 10,
    lineNumbersMinChars: 4,
    contextmenu: false,
    occurrencesHighlight: "singleFile",
    matchBrackets: "near",
    guides: { indentation: false },
    // A value beside a line must never hang out of sight.
    wordWrap: "on",
    wrappingIndent: "deepIndent",
    scrollbar: {
      verticalScrollbarSize: 8,
      horizontalScrollbarSize: 8,
      alwaysConsumeMouseWheel: false,
    },
    tabFocusMode: true,
    ariaLabel: "Source. Read only; Tab leaves it.",
    padding: { top: 6, bottom: 6 },
    smoothScrolling: false,
    stickyScroll: { enabled: false },
    unicodeHighlight: { ambiguousCharacters: false },
  });
  const marks = editor.createDecorationsCollection();
  let line = 0;
  /** The line stays where it is while there are lines to read on both sides of it. */
  const reveal = (): void => {
    const { height } = editor.getLayoutInfo();
    if (line < 1 || height < 40) return;
    const top = editor.getTopForLineNumber(line);
    const y = top - editor.getScrollTop();
    const margin = Math.min(80, height / 4);
    if (y < margin || y > height - margin - 20) {
      editor.setScrollTop(top - height * 0.4, monaco.editor.ScrollType.Immediate);
    }
  };
  const follow = editor.onDidLayoutChange(reveal);
  const endTheme = effect(() => {
    dark.value;
    // After the attribute on the root element that the tokens depend on.
    queueMicrotask(defineTheme);
  });

  return {
    setText(file, text) {
      const old = editor.getModel();
      const language = /\.[chS]$/.test(file) ? "cpp" : "typescript";
      marks.clear();
      const model = monaco.editor.createModel(text, language);
      model.updateOptions({
        bracketColorizationOptions: { enabled: false, independentColorPoolPerBracketType: false },
      });
      editor.setModel(model);
      old?.dispose();
    },
    show(at, innermost, hints, moved) {
      const model = editor.getModel();
      if (!model || at.line > model.getLineCount()) return;
      const last = Math.min(at.endLine, model.getLineCount());
      const byLine = new Map<number, string[]>();
      for (const { line, name, text } of hints) {
        if (line <= model.getLineCount()) {
          byLine.set(line, [...(byLine.get(line) ?? []), `${name} = ${text}`]);
        }
      }
      marks.set([
        {
          range: new monaco.Range(at.line, 1, last, 1),
          options: {
            isWholeLine: true,
            className: innermost ? `source-lit${moved ? " moved" : ""}` : "source-waits",
            linesDecorationsClassName: innermost ? "source-lit-edge" : "source-waits-edge",
          },
        },
        ...[...byLine].map(([line, values]) => {
          const column = model.getLineMaxColumn(line);
          return {
            range: new monaco.Range(line, column, line, column),
            options: {
              showIfCollapsed: true,
              after: {
                content: `    ${values.join("   ")}`,
                inlineClassName: "source-value",
                cursorStops: monaco.editor.InjectedTextCursorStops.None,
              },
            },
          };
        }),
      ]);
      line = at.line;
      reveal();
    },
    dispose() {
      endTheme();
      follow.dispose();
      editor.getModel()?.dispose();
      editor.dispose();
    },
  };
}
