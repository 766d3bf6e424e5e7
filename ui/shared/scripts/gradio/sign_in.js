// Gradio's page for signing in tells of a wrong password only: say it, too, when something is missing, or one has
// to wait for the next try.
(() => {
  const ask = window.fetch;
  window.fetch = async (...request) => {
    const response = await ask(...request);
    if ([422, 429].includes(response.status) && new URL(response.url).pathname.endsWith("/login")) {
      const { error } = await response.clone().json();
      const notice = document.querySelector("#sign-in-notice") || document.createElement("p");
      notice.id = "sign-in-notice";
      notice.role = "alert";
      notice.style = "position: fixed; inset: 1rem 0 auto; margin: 0; text-align: center; color: inherit";
      notice.textContent = error;
      document.body.append(notice);
    }
    return response;
  };
})();
