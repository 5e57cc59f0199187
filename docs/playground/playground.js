// The page of the playground: it hands the text to the engine, and shows the report.
// Everything from the report goes into the page as text, never as HTML.
import init, { fix, scan } from "./engine/coaming_playground.js";

const EXAMPLE = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: nginx:latest
          securityContext:
            privileged: true
          env:
            - name: DB_PASSWORD
              value: correct-horse-battery
          volumeMounts:
            - { name: sock, mountPath: /var/run/docker.sock }
      volumes:
        - name: sock
          hostPath: { path: /var/run/docker.sock }
`;

const find = (name) => document.getElementById(`playground-${name}`);
const text = find("text");
const name = find("name");
const list = find("findings");
const summary = find("summary");
const fixButton = find("fix");
const allowUnsafe = find("unsafe");

// What is between backticks is code.
function marked(text) {
  return text.split("`").map((part, at) => (at % 2 === 1 ? element("code", part) : part));
}

function element(tag, content, className) {
  const made = document.createElement(tag);
  if (content !== undefined) made.textContent = content;
  if (className) made.className = className;
  return made;
}

// Selects a line of the text, and brings it into view.
function show(line) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  text.scrollTop = (text.scrollHeight / lines.length) * Math.max(0, line - 6);
}

function placeButton(line) {
  const button = element("button", `line ${line}`, "playground-place");
  button.type = "button";
  button.addEventListener("click", () => show(line));
  return button;
}

function findingItem(finding) {
  const item = element("li", undefined, finding.severity);
  const title = element("p");
  title.append(element("strong", finding.severity), " ", ...marked(finding.message), " ");
  const line = finding.locations?.[0]?.line;
  if (line) title.append(placeButton(line), " ");
  const rule = element("a", finding.rule);
  rule.href = `rules/${encodeURIComponent(finding.rule)}/`;
  title.append(rule);
  const texts = [finding.why, finding.help];
  if (finding.fix) texts.push(`Fix (${finding.fix.applicability}): ${finding.fix.title}`);
  item.append(title);
  for (const text of texts.filter(Boolean)) {
    const paragraph = element("p");
    paragraph.append(...marked(text));
    item.append(paragraph);
  }
  return item;
}

function errorItem(error) {
  const item = element("li", undefined, "error");
  const line = error.line;
  const message = element("p");
  message.append(...marked(error.message), " ");
  if (line) message.append(placeButton(line));
  item.append(message);
  return item;
}

function update() {
  const report = JSON.parse(scan(name.value, text.value));
  const active = report.findings.filter((finding) => !finding.suppressed);
  const wanted = allowUnsafe.checked ? ["safe", "unsafe"] : ["safe"];
  const fixable = active.filter((finding) => wanted.includes(finding.fix?.applicability)).length;
  list.replaceChildren(...report.errors.map(errorItem), ...active.map(findingItem));
  const count = active.length === 1 ? "1 finding" : `${active.length} findings`;
  summary.textContent = active.length === 0 && report.errors.length === 0
    ? "Nothing was found in this text."
    : `${count}, ${fixable} of them can be fixed here.`;
  fixButton.textContent = allowUnsafe.checked ? "Apply fixes" : "Apply safe fixes";
  fixButton.disabled = fixable === 0;
}

let pending;
function soon() {
  clearTimeout(pending);
  pending = setTimeout(update, 80);
}

try {
  await init();
  text.value ||= EXAMPLE;
  text.addEventListener("input", soon);
  name.addEventListener("change", update);
  allowUnsafe.addEventListener("change", update);
  fixButton.addEventListener("click", () => {
    const fixed = fix(name.value, text.value, allowUnsafe.checked);
    if (fixed !== undefined) text.value = fixed;
    update();
  });
  update();
} catch (error) {
  summary.textContent = `The engine could not be started: ${error.message}`;
}
