// What makes the page scroll sideways: nothing, or the elements past the right edge that no scroller of their own holds.
const width = arguments[0];
if (document.documentElement.scrollWidth <= width) return [];
const held = (element) => {
  for (let parent = element.parentElement; parent && parent !== document.body; parent = parent.parentElement) {
    if (getComputedStyle(parent).overflowX !== "visible") return true;
  }
  return false;
};
const out = [...document.body.querySelectorAll("*")]
  .filter((element) => element.getBoundingClientRect().right > width + 0.5 && !held(element))
  .map((element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}: ${element.getBoundingClientRect().right}`);
return [`the page is ${document.documentElement.scrollWidth} wide`, ...out.slice(0, 5)];
