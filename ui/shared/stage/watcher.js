// Watches the server: asks, waits for the answer, asks again. Heals by itself after sleep, lost network and restarts.

/**
 * @param ask (question) => {ok, status, answer}; status 0: the server cannot be reached
 * @param onAnswer called with every answer that has news
 * @param onLink called with true or false when the connection comes or goes
 */
async function keepWatching(ask, onAnswer, onLink) {
  let since = null, pictures = null, failures = 0, news = null, wake = () => {};
  document.addEventListener("visibilitychange", () => {
    since = null; // whatever happened meanwhile, be told everything
    wake();
  });
  const drawNews = () => {
    if (news) onAnswer(news);
    news = null;
  };
  const pause = (ms) => new Promise((resolve) => { wake = resolve; setTimeout(resolve, ms); });
  const tooLong = () => new Promise((resolve) => setTimeout(resolve, 25000));
  while (element.isConnected) {
    // A hidden tab asks now and then and holds no connection: browsers allow only six to one server.
    const asked = ask({ since, pictures, wait: document.hidden ? 0 : 10 });
    drawNews(); // while the next question is on its way
    const { ok, status, answer } = (await Promise.race([asked, tooLong()])) || { status: 0 };
    if (!ok) {
      failures += 1;
      since = pictures = null;
      if (failures === 2) onLink(false, status ? answer.error : "");
      await pause(Math.min(250 * 2 ** failures, 3000));
      continue;
    }
    if (failures >= 2) onLink(true);
    failures = 0;
    since = answer.pulse;
    if (answer.digest) pictures = answer.digest;
    if (answer.jobs) news = answer;
    if (!document.hidden) continue;
    drawNews();
    await pause(2000);
  }
}
