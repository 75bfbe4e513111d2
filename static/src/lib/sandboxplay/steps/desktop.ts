// Steps on the desktop of a sandbox.

import { go, python, script } from "../../move/quote";
import { type Field, goGet, type Step, truth, whole } from "./step";

const x: Field = { name: "x", label: "x, in pixels", value: "400", type: "number", max: 16384 };
const y: Field = { name: "y", label: "y, in pixels", value: "300", type: "number", max: 16384 };
const button: Field = { name: "button", label: "Button", value: "left", choices: ["left", "right", "middle"] };
const cursor: Field = { name: "cursor", label: "With the pointer", value: "true", type: "check" };
const at = (v: Record<string, string>) => ({ x: whole(v.x), y: whole(v.y) });
const none = "# The CLI has no operations on desktops: take curl or an SDK";

/** Where code puts a picture. */
const keep = {
  python: (shot: string, name = "screen.png") => `with open(${python(name)}, "wb") as file:\n    file.write(base64.b64decode(${shot}.screenshot))`,
  typescript: (shot: string, name = "screen.png") => `await writeFile(${script(name)}, Buffer.from((${shot}).screenshot ?? "", "base64"));`,
  go: (call: string, ...before: string[]) => `{\n\t\t${[...before, `got, err := ${call}`].join("\n\t\t")}\n\t\tcheck(err)\n\t\tpicture, err := base64.StdEncoding.DecodeString(got.Image)\n\t\tcheck(err)\n\t\tcheck(os.WriteFile("screen.png", picture, 0o600))\n\t}`,
};

const post = (path: string, json: unknown) => ({ method: "POST" as const, path: `computeruse/${path}`, json });
const get = (path: string, query?: Record<string, string>) => ({ method: "GET" as const, path: `computeruse/${path}`, query });

export const desktop: Step[] = [
  {
    id: "desk-start", section: "Desktop", title: "Start the desktop", on: true, fields: [],
    call: () => ({ method: "POST", path: "computeruse/start" }),
    code: () => ({ python: "sandbox.computer_use.start()", typescript: "await sandbox.computerUse.start();", go: "check(sandbox.ComputerUse.Start(ctx))", cli: none }),
  },
  {
    id: "desk-info", section: "Desktop", title: "Display", fields: [],
    call: () => get("display/info"),
    code: () => ({ python: "print(sandbox.computer_use.display.get_info())", typescript: "console.log(await sandbox.computerUse.display.getInfo());", go: goGet("sandbox.ComputerUse.Display().GetInfo(ctx)", "got"), cli: none }),
  },
  {
    id: "desk-windows", section: "Desktop", title: "Windows", fields: [],
    call: () => get("display/windows"),
    code: () => ({ python: "print(sandbox.computer_use.display.get_windows())", typescript: "console.log(await sandbox.computerUse.display.getWindows());", go: goGet("sandbox.ComputerUse.Display().GetWindows(ctx)", "got"), cli: none }),
  },
  {
    id: "desk-position", section: "Desktop", title: "Where the pointer is", fields: [],
    call: () => get("mouse/position"),
    code: () => ({ python: "print(sandbox.computer_use.mouse.get_position())", typescript: "console.log(await sandbox.computerUse.mouse.getPosition());", go: goGet("sandbox.ComputerUse.Mouse().GetPosition(ctx)", "got"), cli: none }),
  },
  {
    id: "desk-move", section: "Desktop", title: "Move the pointer", fields: [x, y],
    call: (v) => post("mouse/move", at(v)),
    code: (v) => ({
      python: `sandbox.computer_use.mouse.move(${whole(v.x)}, ${whole(v.y)})`,
      typescript: `await sandbox.computerUse.mouse.move(${whole(v.x)}, ${whole(v.y)});`,
      go: goGet(`sandbox.ComputerUse.Mouse().Move(ctx, ${whole(v.x)}, ${whole(v.y)})`, "got"),
      cli: none,
    }),
  },
  {
    id: "desk-click", section: "Desktop", title: "Click", on: true, fields: [x, y, button, { name: "double", label: "Twice", value: "", type: "check" }],
    call: (v) => post("mouse/click", { ...at(v), button: v.button, double: v.double !== "" }),
    code: (v) => ({
      python: `sandbox.computer_use.mouse.click(${whole(v.x)}, ${whole(v.y)}, ${python(v.button)}, ${truth(v.double)})`,
      typescript: `await sandbox.computerUse.mouse.click(${whole(v.x)}, ${whole(v.y)}, ${script(v.button)}, ${v.double !== ""});`,
      go: goGet(`sandbox.ComputerUse.Mouse().Click(ctx, ${whole(v.x)}, ${whole(v.y)}, &button, &double)`, "got", `button, double := ${go(v.button)}, ${v.double !== ""}`),
      cli: none,
    }),
  },
  {
    id: "desk-drag", section: "Desktop", title: "Drag",
    fields: [
      { ...x, name: "startX", label: "From x", value: "100" }, { ...y, name: "startY", label: "From y", value: "100" },
      { ...x, name: "endX", label: "To x", value: "300" }, { ...y, name: "endY", label: "To y", value: "200" }, button,
    ],
    call: (v) => post("mouse/drag", { startX: whole(v.startX), startY: whole(v.startY), endX: whole(v.endX), endY: whole(v.endY), button: v.button }),
    code: (v) => {
      const points = [v.startX, v.startY, v.endX, v.endY].map(whole).join(", ");
      return {
        python: `sandbox.computer_use.mouse.drag(${points}, ${python(v.button)})`,
        typescript: `await sandbox.computerUse.mouse.drag(${points}, ${script(v.button)});`,
        go: goGet(`sandbox.ComputerUse.Mouse().Drag(ctx, ${points}, &button)`, "got", `button := ${go(v.button)}`),
        cli: none,
      };
    },
  },
  {
    id: "desk-scroll", section: "Desktop", title: "Scroll", fields: [x, y, { name: "direction", label: "Direction", value: "down", choices: ["down", "up"] }, { name: "amount", label: "Turns of the wheel", value: "3", type: "number", max: 100 }],
    call: (v) => post("mouse/scroll", { ...at(v), direction: v.direction, amount: whole(v.amount) }),
    code: (v) => ({
      python: `sandbox.computer_use.mouse.scroll(${whole(v.x)}, ${whole(v.y)}, ${python(v.direction)}, ${whole(v.amount)})`,
      typescript: `await sandbox.computerUse.mouse.scroll(${whole(v.x)}, ${whole(v.y)}, ${script(v.direction)}, ${whole(v.amount)});`,
      go: goGet(`sandbox.ComputerUse.Mouse().Scroll(ctx, ${whole(v.x)}, ${whole(v.y)}, ${go(v.direction)}, &amount)`, "got", `amount := ${whole(v.amount)}`),
      cli: none,
    }),
  },
  {
    id: "desk-type", section: "Desktop", title: "Type a text", fields: [{ name: "text", label: "Text", value: "Hello, wörld", type: "area" }, { name: "delay", label: "Milliseconds between keys", value: "0", type: "number", max: 1000 }],
    call: (v) => post("keyboard/type", { text: v.text, delay: whole(v.delay) }),
    code: (v) => ({
      python: `sandbox.computer_use.keyboard.type(${python(v.text)}, ${whole(v.delay)})`,
      typescript: `await sandbox.computerUse.keyboard.type(${script(v.text)}, ${whole(v.delay)});`,
      go: `{\n\t\tdelay := ${whole(v.delay)}\n\t\tcheck(sandbox.ComputerUse.Keyboard().Type(ctx, ${go(v.text)}, &delay))\n\t}`,
      cli: none,
    }),
  },
  {
    id: "desk-key", section: "Desktop", title: "Press a key", fields: [{ name: "key", label: "Key", value: "enter" }],
    call: (v) => post("keyboard/key", { key: v.key }),
    code: (v) => ({
      python: `sandbox.computer_use.keyboard.press(${python(v.key)})`,
      typescript: `await sandbox.computerUse.keyboard.press(${script(v.key)});`,
      go: `check(sandbox.ComputerUse.Keyboard().Press(ctx, ${go(v.key)}, nil))`,
      cli: none,
    }),
  },
  {
    id: "desk-hotkey", section: "Desktop", title: "Press keys together", fields: [{ name: "keys", label: "Keys", value: "ctrl+a" }],
    call: (v) => post("keyboard/hotkey", { keys: v.keys }),
    code: (v) => ({
      python: `sandbox.computer_use.keyboard.hotkey(${python(v.keys)})`,
      typescript: `await sandbox.computerUse.keyboard.hotkey(${script(v.keys)});`,
      go: `check(sandbox.ComputerUse.Keyboard().Hotkey(ctx, ${go(v.keys)}))`,
      cli: none,
    }),
  },
  {
    id: "desk-shot", section: "Desktop", title: "Screenshot", on: true, fields: [cursor],
    call: (v) => get("screenshot", { showCursor: String(v.cursor !== "") }),
    code: (v) => ({
      python: keep.python(`sandbox.computer_use.screenshot.take_full_screen(${truth(v.cursor)})`),
      typescript: keep.typescript(`await sandbox.computerUse.screenshot.takeFullScreen(${v.cursor !== ""})`),
      go: keep.go("sandbox.ComputerUse.Screenshot().TakeFullScreen(ctx, &cursor)", `cursor := ${v.cursor !== ""}`),
      cli: none,
    }),
  },
  {
    id: "desk-region", section: "Desktop", title: "Screenshot of a region",
    fields: [{ ...x, value: "0" }, { ...y, value: "0" }, { ...x, name: "width", label: "Width", value: "400" }, { ...y, name: "height", label: "Height", value: "300" }],
    call: (v) => get("screenshot/region", { x: String(whole(v.x)), y: String(whole(v.y)), width: String(whole(v.width)), height: String(whole(v.height)) }),
    code: (v) => {
      const [left, top, width, height] = [v.x, v.y, v.width, v.height].map(whole);
      return {
        pythonNames: ["ScreenshotRegion"],
        python: keep.python(`sandbox.computer_use.screenshot.take_region(ScreenshotRegion(x=${left}, y=${top}, width=${width}, height=${height}))`),
        // takeRegion of 0.216 sends the numbers in another order than it takes them.
        typescript: keep.typescript(`await sandbox.computerUse.screenshot.takeCompressedRegion({ x: ${left}, y: ${top}, width: ${width}, height: ${height} }, { format: "png" })`),
        go: keep.go("sandbox.ComputerUse.Screenshot().TakeRegion(ctx, region, nil)", `region := types.ScreenshotRegion{X: ${left}, Y: ${top}, Width: ${width}, Height: ${height}}`),
        cli: none,
      };
    },
  },
  {
    id: "desk-small", section: "Desktop", title: "Small screenshot",
    fields: [{ name: "format", label: "Format", value: "jpeg", choices: ["jpeg", "png", "webp"] }, { name: "quality", label: "Quality, 1 to 100", value: "60", type: "number", max: 100 }, { name: "scale", label: "Percent of its size", value: "50", type: "number", max: 100 }],
    call: (v) => get("screenshot/compressed", { format: v.format, quality: String(whole(v.quality)), scale: String(whole(v.scale) / 100) }),
    code: (v) => ({
      pythonNames: ["ScreenshotOptions"],
      python: keep.python(`sandbox.computer_use.screenshot.take_compressed(ScreenshotOptions(fmt=${python(v.format)}, quality=${whole(v.quality)}, scale=${whole(v.scale) / 100}))`, `screen.${v.format}`),
      typescript: keep.typescript(`await sandbox.computerUse.screenshot.takeCompressed({ format: ${script(v.format)}, quality: ${whole(v.quality)}, scale: ${whole(v.scale) / 100} })`, `screen.${v.format}`),
      go: keep.go("sandbox.ComputerUse.Screenshot().TakeFullScreen(ctx, nil) // the Go SDK takes whole ones only"),
      cli: none,
    }),
  },
];
