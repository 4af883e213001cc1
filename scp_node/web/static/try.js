// The page Try: one file after the other to /api/predict, a card for each, and a CSV of the batch.
"use strict";

(() => {
  const form = document.getElementById("upload");
  const cards = document.getElementById("cards");
  const stop = document.getElementById("stop");
  const save = document.getElementById("csv");
  const MAPS_MAX = 100;
  const TRIES_MAX = 8;
  const COLUMNS = ["file", "model", "result", "prediction_percent", "finding", "finding_percent", "normal_percent",
    "threshold_percent", "place", "declined_code", "reason"];
  let rows = [];
  let stopped = false;
  let running = false;

  for (const one of document.querySelectorAll(".scripted")) {
    one.hidden = false;
  }
  document.getElementById("file").multiple = true;

  form.model.addEventListener("change", () => {
    for (const one of document.querySelectorAll(".about-model")) {
      one.hidden = one.dataset.model !== form.model.value;
    }
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin(named(document.getElementById("file").files));
  });
  document.getElementById("folder").addEventListener("change", (event) => begin(named(event.target.files)));
  stop.addEventListener("click", () => { stopped = true; });
  save.addEventListener("click", saveCsv);

  const drop = document.getElementById("drop");
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((one) => one.webkitGetAsEntry && one.webkitGetAsEntry());
    const files = entries.some((one) => one && one.isDirectory) ? await inside(entries) : named(event.dataTransfer.files);
    begin(files);
  });

  function named(files) {
    return [...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
  }

  async function inside(entries) {
    const found = [];
    for (const entry of entries.filter(Boolean)) {
      if (entry.isFile) {
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        found.push({ name: entry.fullPath.replace(/^\//, ""), file });
        continue;
      }
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!some.length) {
          break;
        }
        found.push(...await inside(some));
      }
    }
    return found;
  }

  // Every file is named: what is no picture gets its card and its row from the node, as if it had come alone.
  async function begin(files) {
    if (running || !files.length) {
      return;
    }
    running = true;
    stopped = false;
    rows = [];
    cards.replaceChildren();
    document.getElementById("batch").hidden = false;
    stop.disabled = false;
    save.disabled = true;
    tell(0, files.length);
    let done = 0;
    for (const { name, file } of files) {
      if (stopped) {
        break;
      }
      show(name, await predicted(file, done < MAPS_MAX));
      done += 1;
      tell(done, files.length);
    }
    running = false;
    stop.disabled = true;
    save.disabled = !rows.length;
  }

  function tell(done, total) {
    const bar = document.getElementById("progress");
    bar.max = Math.max(total, 1);
    bar.value = done;
    document.getElementById("progress-words").textContent =
      form.dataset.progress.replace("{done}", done).replace("{total}", total);
  }

  async function predicted(file, mayDraw) {
    if (file.size > Number(form.dataset.bytesMax)) {
      return { problem: { code: "upload-too-large", detail: form.dataset.tooLarge } };
    }
    const body = new FormData();
    body.append("model", form.model.value);
    body.append("heatmap", mayDraw ? form.heatmap.value : "false");
    body.append("file", file, "upload");
    const headers = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await fetch("/api/predict", { method: "POST", body, headers });
        const document = await answer.json();
        if (answer.ok) {
          return { judged: document };
        }
        if (answer.status !== 503 || document.code !== "busy" || attempt === TRIES_MAX || stopped) {
          return { problem: document };
        }
        await new Promise((resolve) => setTimeout(resolve, 1000 * Number(answer.headers.get("Retry-After") || 2)));
      } catch {
        return { problem: { code: "no-answer", detail: form.dataset.lost } };
      }
    }
  }

  function show(name, { judged, problem }) {
    const card = document.getElementById("card").content.cloneNode(true);
    const slot = (which) => card.querySelector(`[data-slot="${which}"]`);
    slot("file").textContent = name;
    if (problem) {
      slot("problem").hidden = false;
      slot("problem-reason").textContent = problem.detail || problem.title;
      slot("problem-code").textContent = problem.code || problem.status;
      rows.push({ file: name, model: form.model.value, declined_code: problem.code || problem.status, reason: problem.detail });
    } else {
      fill(slot, judged);
      keep(name, judged);
    }
    cards.append(card);
  }

  function fill(slot, judged) {
    slot("model").textContent = `${judged.title} (${judged.model})`;
    slot("details").hidden = false;
    const shown = { ...judged, heatmap: judged.heatmap && `${judged.heatmap.slice(0, 40)}... (${judged.heatmap.length})` };
    slot("json").textContent = JSON.stringify(shown, null, 2);
    for (const note of judged.notes) {
      const item = document.createElement("li");
      item.textContent = note;
      slot("notes").append(item);
    }
    if (judged.declined) {
      slot("declined").hidden = false;
      slot("declined-reason").textContent = judged.declined.reason;
      slot("declined-code").textContent = judged.declined.code;
      return;
    }
    slot("verdict").hidden = false;
    slot("result").textContent = judged.result;
    slot("prediction").textContent = judged.prediction;
    for (const one of judged.findings) {
      const row = slot("findings").insertRow();
      const named = row.insertCell();
      named.textContent = one.meaning;
      if (one.place) {
        const place = document.createElement("span");
        place.className = "muted";
        place.textContent = one.place;
        named.append(document.createElement("br"), place);
      }
      for (const value of [one.percent, one.percent_normal, one.percent_threshold]) {
        const cell = row.insertCell();
        cell.className = "number";
        cell.textContent = `${value} %`;
      }
      row.cells[1].classList.toggle("bad", one.positive);
    }
    if (judged.heatmap) {
      slot("frame").hidden = false;
      slot("heatmap").src = judged.heatmap;
    }
  }

  function keep(name, judged) {
    const row = { file: name, model: judged.model, result: judged.result, prediction_percent: judged.prediction };
    if (judged.declined) {
      rows.push({ ...row, declined_code: judged.declined.code, reason: judged.declined.reason });
    }
    for (const one of judged.findings) {
      rows.push({ ...row, finding: one.name, finding_percent: one.percent, normal_percent: one.percent_normal,
        threshold_percent: one.percent_threshold, place: one.place });
    }
  }

  // A spreadsheet takes what begins so for a formula.
  function cell(value) {
    const text = String(value ?? "");
    const defused = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return `"${defused.replaceAll('"', '""')}"`;
  }

  function saveCsv() {
    const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => row[name]))];
    const text = "\ufeff" + lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = "hilum-batch.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
})();
