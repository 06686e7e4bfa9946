"use strict";

/* The quickstart's page in two tabs of a real browser. */

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const path = require("node:path");
const { after, before, describe, test } = require("node:test");
const { chromium } = require("playwright-core");

const { Nginx, module_, sleep, slow, top, until } = require("./nginx.js");

const folder = path.join(top, "docs/examples/quickstart");

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];


/* the quickstart's own configuration, but for the port and the module's path */
function quickstart({ prefix, port }) {
    fs.mkdirSync(`${prefix}/html`);
    fs.copyFileSync(`${folder}/index.html`, `${prefix}/html/index.html`);

    const text = fs.readFileSync(`${folder}/nginx.conf`, "utf8");

    assert.match(text, /listen 127\.0\.0\.1:8080;/);
    assert.match(text, /load_module modules\/ngx_rt_module\.so;/);

    return text.replace("127.0.0.1:8080", `127.0.0.1:${port}`)
               .replace("modules/ngx_rt_module.so", module_);
}


describe("the quickstart's page", { timeout: 180000 * slow }, () => {
    let nginx, browser, tokens;
    const tabs = [];

    const state = tab => tab.textContent("#state");
    const count = async tab => Number(await tab.textContent("#count"));
    const log = tab => tab.textContent("#chat-log");

    const say = async (tab, text) => {
        await tab.fill("#chat-input", text);
        await tab.press("#chat-input", "Enter");
    };

    const stream = () => {
        tokens = spawn(`${folder}/tokens`, [`http://127.0.0.1:${nginx.port}`],
                       { stdio: "ignore" });
    };

    const silence = async () => {
        if (tokens.exitCode === null && tokens.signalCode === null) {
            tokens.kill("SIGTERM");
            await once(tokens, "exit");
        }
    };

    before(async () => {
        nginx = await Nginx.start({ text: quickstart });
        stream();
        browser = await chromium.launch({
            executablePath: process.env.TEST_CHROMIUM || "/usr/bin/chromium",
            args: FLAGS,
        });

        const context = await browser.newContext();

        for (let i = 0; i < 2; i++) {
            const tab = await context.newPage();

            tab.setDefaultTimeout(15000);
            tab.problems = [];
            tab.on("pageerror", error => tab.problems.push(error.message));
            await tab.goto(`http://127.0.0.1:${nginx.port}/`);
            tabs.push(tab);
        }
    });

    after(async () => {
        await silence();
        await browser?.close();
        assert.deepEqual(await nginx.stop(), []);
    });

    const all = (what, ready) => until(what, async () =>
        (await Promise.all(tabs.map(ready))).every(Boolean));

    test("both tabs connect", async () => {
        await all("connected", async tab => await state(tab) === "connected");
    });

    test("they chat", async () => {
        await say(tabs[0], "hello from the first");
        await all("the first's", async tab =>
            (await log(tab)).includes("hello from the first"));
        await say(tabs[1], "<b>and the second</b>");
        await all("the second's", async tab =>
            (await log(tab)).includes("<b>and the second</b>"));
    });

    test("words come, and stop with the process that sends them", async () => {
        const some = await Promise.all(tabs.map(count));

        await all("more words", async tab =>
            await count(tab) > some[tabs.indexOf(tab)] + 3);

        await silence();
        await sleep(500);

        const then = await Promise.all(tabs.map(count));

        await sleep(1500);
        assert.deepEqual(await Promise.all(tabs.map(count)), then);
    });

    test("workers are killed: the page comes back by itself", async () => {
        await nginx.killWorkers();
        await all("connected", async tab => await state(tab) === "connected");

        /* "connected" of before the kill may be what was seen */
        await until("a message gets through", async () => {
            await say(tabs[0], "after the kill").catch(() => {});
            await sleep(300);
            return (await log(tabs[1])).includes("after the kill");
        });

        const then = await Promise.all(tabs.map(count));

        stream();
        await all("words again", async tab =>
            await count(tab) > then[tabs.indexOf(tab)] + 2);
    });

    test("a reload: the page comes back by itself", async () => {
        await nginx.reload();
        await until("a message gets through", async () => {
            await say(tabs[1], "after the reload").catch(() => {});
            await sleep(300);
            return (await log(tabs[0])).includes("after the reload");
        });
    });

    test("the page met no error", () => {
        for (const tab of tabs) {
            assert.deepEqual(tab.problems, []);
        }
    });
});
