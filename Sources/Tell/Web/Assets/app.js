// Makes the pages come alive; every page works without it. No library but uPlot, no address but Jaga's own.
"use strict";
(() => {
  const main = document.getElementById("main");
  const status = document.getElementById("live");

  // --- Parts that replace themselves -----------------------------------------------------------------------------------
  // A page names the changes that concern it. On one of them it asks for itself again and takes over the parts that differ.
  const wanted = new Set((document.body.dataset.live || "").split(" ").filter(Boolean));
  let refreshing = false;
  let again = false;

  function isBusy(part) {
    const active = document.activeElement;
    return part.contains(active) && /^(INPUT|SELECT|TEXTAREA|BUTTON|SUMMARY)$/.test(active.tagName);
  }

  async function refresh() {
    if (refreshing) { again = true; return; }
    refreshing = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 401) { location.reload(); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = page.getElementById(part.id);
        if (!fresh || isBusy(part) || fresh.innerHTML === part.dataset.last) continue;
        const open = new Set([...part.querySelectorAll("details[open] > summary")].map((s) => s.textContent));
        part.dataset.last = fresh.innerHTML;
        part.replaceChildren(...fresh.childNodes);
        for (const summary of part.querySelectorAll("details > summary")) {
          if (open.has(summary.textContent)) summary.parentElement.open = true;
        }
      }
    } catch {
      // The feed says when the server is away; the next change asks again.
    } finally {
      refreshing = false;
      if (again) { again = false; setTimeout(refresh, 1000); }
    }
  }

  let pending = null;
  function refreshSoon() {
    if (pending === null) pending = setTimeout(() => { pending = null; refresh(); }, 300);
  }

  // --- Charts ----------------------------------------------------------------------------------------------------------
  const steps = { bytes: 1024, bytesPerSecond: 1024 };
  const charts = [];

  function short(number) {
    if (number === 0) return "0";
    const size = Math.abs(number);
    return size >= 100 ? String(Math.round(number)) : String(Number(number.toPrecision(3)));
  }

  function written(value, unit) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (unit === "ratio") return short(value * 100) + " %";
    if (unit === "percent") return short(value) + " %";
    if (unit === "seconds") {
      const size = Math.abs(value);
      if (size !== 0 && size < 0.001) return short(value * 1e6) + " µs";
      if (size < 1) return short(value * 1000) + " ms";
      return size < 120 ? short(value) + " s" : size < 7200 ? short(value / 60) + " m" : short(value / 3600) + " h";
    }
    const base = steps[unit];
    if (base) {
      const names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
      let order = 0;
      while (Math.abs(value) >= base && order < names.length - 1) { value /= base; order += 1; }
      return short(value) + " " + names[order] + (unit === "bytesPerSecond" ? "/s" : "");
    }
    const text = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : short(value);
    return text + (unit === "perSecond" ? "/s" : "");
  }

  function lineName(metric, legend, name) {
    if (!legend) return name;
    const text = legend === "*"
      ? (metric.__name__ || "") + "{" + Object.entries(metric).filter(([k]) => k !== "__name__")
        .map(([k, v]) => k + '="' + v + '"').join(",") + "}"
      : metric[legend] || "–";
    return name ? text + " " + name : text;
  }

  // The next round number, as the server's own drawing has it: powers of two for sizes, else 1, 2, 2.5 or 5.
  function roundUp(value, unit) {
    if (!(value > 0)) return steps[unit] || 1;
    const base = steps[unit] || 10;
    const rounds = base === 1024 ? Array.from({ length: 11 }, (_, power) => 2 ** power) : [1, 2, 2.5, 5, 10];
    const power = base ** Math.floor(Math.log(value) / Math.log(base) + 1e-9);
    return power * (rounds.find((round) => round * power >= value * (1 - 1e-9)) || base);
  }

  async function read(figure) {
    const end = Math.floor(Date.now() / 1000);
    const span = Number(figure.dataset.span);
    const step = Number(figure.dataset.step);
    const found = [];
    for (const link of figure.querySelectorAll("[data-query]")) {
      const form = new URLSearchParams({ query: link.dataset.query, start: end - span, end, step });
      const answer = await fetch("/api/v1/query_range?" + form);
      if (!answer.ok) continue;
      const { data } = await answer.json();
      for (const series of data.result || []) {
        const name = lineName(series.metric, link.dataset.legend, link.dataset.name);
        if (series.values) found.push({ name, query: link.dataset.query, values: series.values });
        // Of a native histogram the number of observations, as the server's own drawing has it.
        if (series.histograms) {
          const values = series.histograms.map(([time, histogram]) => [time, histogram.count]);
          found.push({ name: name + " count", query: link.dataset.query, values });
        }
      }
    }
    const times = [...new Set(found.flatMap((s) => s.values.map((p) => p[0])))].sort((a, b) => a - b);
    const place = new Map(times.map((time, index) => [time, index]));
    const columns = found.slice(0, 8).map((series) => {
      const column = new Array(times.length).fill(null);
      for (const [time, value] of series.values) {
        const number = Number(value);
        column[place.get(time)] = Number.isFinite(number) ? number : null;
      }
      return column;
    });
    const lines = found.slice(0, 8);
    return {
      names: lines.map((s) => s.name), queries: lines.map((s) => s.query), hidden: found.length - lines.length,
      data: [times, ...columns], from: end - span, to: end,
    };
  }

  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  function draw(chart) {
    const { figure, plot, content } = chart;
    if (chart.view) chart.view.destroy();
    const unit = figure.dataset.unit;
    const top = figure.dataset.max ? Number(figure.dataset.max) : null;
    const font = "11px " + getComputedStyle(document.body).fontFamily;
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font };
    // Every instant on these pages is UTC, so that a page, a log and a colleague abroad agree.
    const utc = (ticks) => ticks.map((tick) => {
      const text = new Date(tick * 1000).toISOString();
      return content.to - content.from > 86400 ? text.slice(5, 10) : text.slice(11, 16);
    });
    const time = { ...axis, size: 22, gap: 3, space: 70, grid: { show: false }, values: (_, ticks) => utc(ticks) };
    const value = {
      ...axis, size: 62, gap: 6, splits: (_, at, low, high) => [low, (low + high) / 2, high],
      values: (_, ticks) => ticks.map((tick) => written(tick, unit)),
    };
    const series = content.names.map((label, index) => ({
      label, stroke: colour("--s" + index), width: 1.5, points: { show: false },
      fill: content.names.length === 1 ? colour("--s" + index) + "22" : undefined,
      value: (_, value) => written(value, unit),
    }));
    plot.replaceChildren();
    chart.view = new uPlot({
      width: plot.clientWidth, height: 150, legend: { show: false }, cursor: { y: false, points: { size: 5 } },
      scales: {
        x: { range: () => [chart.content.from, chart.content.to] },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(top ?? 0, top && high <= top ? 0 : roundUp(high, unit))] },
      },
      axes: [time, value], padding: [10, 6, 0, 0],
      series: [{}, ...series],
      hooks: { setCursor: [(view) => point(chart, view.cursor.idx)] },
    }, content.data, plot);
  }

  // The legend shows the values under the pointer, and the newest ones otherwise.
  function point(chart, index) {
    const rows = chart.figure.querySelectorAll(".legend li b");
    chart.content.names.forEach((_, line) => {
      const column = chart.content.data[line + 1];
      let at = index;
      if (at === null || at === undefined) at = column.findLastIndex((value) => value !== null);
      if (rows[line]) rows[line].textContent = written(column[at], chart.figure.dataset.unit);
    });
  }

  async function update(chart) {
    const content = await read(chart.figure);
    if (content.names.length === 0) return;
    const same = chart.view && chart.content && chart.content.names.join("\n") === content.names.join("\n");
    chart.content = content;
    if (same) { chart.view.setData(content.data); point(chart, null); return; }
    const legend = chart.figure.querySelector(".legend");
    const rest = legend.querySelector(".muted");
    legend.replaceChildren(...content.names.map((name, index) => {
      const item = document.createElement("li");
      const key = document.createElement("span");
      key.className = "key k" + index;
      key.setAttribute("aria-hidden", "true");
      const link = document.createElement("a");
      link.className = "source";
      link.href = "/query?expr=" + encodeURIComponent(content.queries[index]);
      link.title = content.queries[index];
      link.textContent = name;
      item.append(key, link, " ", document.createElement("b"));
      return item;
    }));
    if (content.hidden > 0 && rest) legend.append(rest);
    draw(chart);
    point(chart, null);
  }

  async function updateAll() {
    for (const chart of charts) { try { await update(chart); } catch { /* the drawing from the server stays */ } }
  }

  function startCharts() {
    if (typeof uPlot === "undefined") return;
    for (const figure of document.querySelectorAll("[data-chart]")) {
      charts.push({ figure, plot: figure.querySelector(".plot"), view: null, content: null });
    }
    updateAll();
    const sizes = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        const chart = charts.find((one) => one.plot === target);
        if (chart.view && target.clientWidth > 0 && chart.view.width !== target.clientWidth) {
          chart.view.setSize({ width: target.clientWidth, height: 150 });
        }
      }
    });
    for (const chart of charts) sizes.observe(chart.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  function redraw() { for (const chart of charts) if (chart.view) draw(chart); }

  // --- The feed --------------------------------------------------------------------------------------------------------
  // A browser gives one server a handful of connections for all of its pages together, so a page that nobody sees lets go of
  // its own and catches up when it is looked at again.
  let lastCharts = 0;
  let feed = null;
  let wasAway = false;

  function tell(sign, word) { status.textContent = sign + " " + word; }

  function connect() {
    if (feed || document.hidden) return;
    feed = new EventSource("/events");
    feed.addEventListener("open", () => {
      tell("●", status.dataset.live);
      if (wasAway) { wasAway = false; refreshSoon(); }
    });
    feed.addEventListener("error", () => {
      wasAway = true;
      tell("○", status.dataset.away);
      // After a refusal a browser does not try again by itself: the server was full, or the session has ended.
      if (feed && feed.readyState === EventSource.CLOSED) {
        feed = null;
        setTimeout(() => { refreshSoon(); connect(); }, 15000);
      }
    });
    feed.addEventListener("change", (event) => {
      if (wanted.has(event.data)) refreshSoon();
      if (event.data === "samples" && Date.now() - lastCharts > 10000) {
        lastCharts = Date.now();
        updateAll();
      }
    });
  }

  function startFeed() {
    if (wanted.size === 0 && charts.length === 0) return;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) {
        wasAway = true;
        connect();
        updateAll();
      } else if (feed) {
        feed.close();
        feed = null;
      }
    });
    connect();
    // "4 m ago" grows old by itself.
    setInterval(() => { if (!document.hidden && wanted.size > 0) refreshSoon(); }, 30000);
  }

  // --- Small helps -----------------------------------------------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  const toggle = document.getElementById("theme");
  if (toggle) {
    toggle.addEventListener("click", (event) => {
      event.preventDefault();
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      document.cookie = "jaga_theme=" + root.dataset.theme + "; Path=/; SameSite=Lax; Max-Age=31536000";
      redraw();
    });
  }

  const current = document.querySelector(".top nav [aria-current]");
  if (current) {
    const show = () => current.scrollIntoView({ block: "nearest", inline: "center" });
    show();
    addEventListener("resize", show);
  }
  if (main) { startCharts(); startFeed(); }
})();
