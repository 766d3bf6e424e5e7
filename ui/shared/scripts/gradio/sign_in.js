// Gradio's page for signing in empties its fields after a wrong password, and is silent when something is missing or one
// has to wait for the next try: it is told of none of these, and a sentence says them. Its page has no title, and a
// person would have to click before typing.
{
  const ask = window.fetch, WRONG = "Wrong name or password. Try again.";
  window.fetch = async (...request) => {
    const response = await ask(...request);
    if (![400, 422, 429].includes(response.status) || !new URL(response.url).pathname.endsWith("/login")) return response;
    const notice = document.querySelector("#sign-in-notice") || document.createElement("p");
    notice.id = "sign-in-notice";
    notice.role = "alert";
    notice.textContent = response.status === 400 ? WRONG : (await response.json()).error;
    document.querySelector("h2").after(notice);
    document.querySelector("input[type=password]").select();
    return new Response(null, { status: 422 });
  };
  const watcher = new MutationObserver(() => {
    const isIn = document.querySelector("#tabs"), name = isIn ? null : document.querySelector("label input");
    if (isIn || name) watcher.disconnect();
    if (!name) return;
    document.title = "Diorama";
    name.focus();
  });
  watcher.observe(document, { childList: true, subtree: true });
}
