// Puts a campaign's live figures where an article has plain links, if Haven answers in time; else does nothing.
// No cookies, no storage, nothing read from the article but the attributes of this script's own element.
(function () {
  "use strict";

  var script = document.currentScript;
  var campaign = script && script.getAttribute("data-campaign");
  if (!campaign || !window.URL || !window.postMessage) return;

  var patience = 3000;
  var links = linksOf(script);
  if (!links) return;
  links.setAttribute("data-haven-ready", "");

  var address = new URL("embed/" + encodeURIComponent(campaign), script.src);
  pass("placement", "data-placement");
  pass("lang", "data-lang");
  whenNear(links, load);

  // The nearest marked element before the script; another call to action may stand further up.
  function linksOf(element) {
    var found = null;
    var all = document.querySelectorAll("[data-haven]:not([data-haven-ready])");
    for (var i = 0; i < all.length; i++) {
      var before = all[i].compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (before || !found) found = all[i];
    }
    return found;
  }

  function pass(name, attribute) {
    var value = script.getAttribute(attribute);
    if (value && /^[A-Za-z0-9_-]{1,64}$/.test(value)) address.searchParams.set(name, value);
  }

  // Most readers never reach the foot of an article; only those who come near ask for figures.
  function whenNear(element, act) {
    if (!window.IntersectionObserver) return act();
    var observer = new IntersectionObserver(function (entries) {
      if (!entries.some(function (entry) { return entry.isIntersecting; })) return;
      observer.disconnect();
      act();
    }, { rootMargin: "800px 0px" });
    observer.observe(element);
  }

  function load() {
    var frame = document.createElement("iframe");
    frame.src = address.href;
    frame.title = campaign;
    frame.referrerPolicy = "no-referrer";
    frame.style.cssText = "display:block;width:100%;height:0;border:0;color-scheme:light dark";
    var shown = false;
    var timer = setTimeout(giveUp, patience);
    addEventListener("message", resize);
    links.parentNode.insertBefore(frame, links.nextSibling);

    function giveUp() {
      clearTimeout(timer);
      removeEventListener("message", resize);
      frame.remove();
    }

    function resize(event) {
      if (event.source !== frame.contentWindow || event.origin !== address.origin) return;
      var height = Number(event.data && event.data.height);
      if (!event.data || event.data.haven !== campaign || !(height > 0)) return;
      if (!shown) {
        // Whoever is on one of the links with the keyboard keeps them.
        if (links.contains(document.activeElement)) return giveUp();
        clearTimeout(timer);
        shown = true;
        links.style.setProperty("display", "none", "important");
        if (typeof event.data.title === "string") frame.title = event.data.title.slice(0, 200);
      }
      frame.style.height = Math.min(height, 1200) + "px";
    }
  }
})();
