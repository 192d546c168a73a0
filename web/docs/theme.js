// The theme that the reader chose in the workbench. Without it the system's applies.
try {
  const theme = localStorage.getItem("pagewalk.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {}
