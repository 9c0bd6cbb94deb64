// Replaces the page's content every two seconds; what was unfolded stays so. Without this script the page is whole, too.
const main = document.getElementById("status");
const fresh = document.getElementById("fresh");
async function renew() {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const open = new Set(Array.from(main.querySelectorAll("details[open]"), (part) => part.id));
    const next = page.getElementById("status");
    for (const part of next.querySelectorAll("details")) part.open = open.has(part.id);
    main.replaceChildren(...next.childNodes);
    document.title = page.title;
    fresh.textContent = "";
  } catch {
    fresh.textContent = "no answer: what is shown is old";
  }
  setTimeout(renew, 2000);
}
setTimeout(renew, 2000);
