#include "tools/ringpost/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kCutColumnMin = 8;

}  // namespace

Terminal Terminal::OfStandardOutput() {
  Terminal terminal;
  terminal.tty = ::isatty(STDOUT_FILENO) == 1;
  if (!terminal.tty) return terminal;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  terminal.colour = !(no_color && *no_color) && term && std::string_view(term) != "dumb";
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) {
    terminal.width = size.ws_col;
  }
  return terminal;
}

std::string Terminal::Paint(const char* code, std::string_view text) const {
  if (!colour || text.empty()) return std::string(text);
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

std::string Table::ToString(const Terminal& terminal) const {
  return Lines(terminal, Widths(), /*head=*/true);
}

std::string Table::NextPage(const Terminal& terminal) {
  const bool first = page_widths_.empty();
  std::vector<size_t> widths = Widths();
  for (size_t i = 0; i < page_widths_.size(); ++i) widths[i] = std::max(widths[i], page_widths_[i]);
  page_widths_ = widths;
  std::string text = Lines(terminal, std::move(widths), first);
  rows_.clear();
  return text;
}

std::vector<size_t> Table::Widths() const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(Columns(column.title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Columns(row[i]));
  }
  return widths;
}

std::string Table::Lines(const Terminal& terminal, std::vector<size_t> widths, bool head) const {
  size_t total = kGap * (widths.size() - 1);
  for (size_t width : widths) total += width;
  if (terminal.tty && total > terminal.width) {
    // The widest column that may be cut gives way first.
    size_t excess = total - terminal.width;
    while (excess > 0) {
      size_t widest = columns_.size();
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (!columns_[i].cuts || widths[i] <= kCutColumnMin) continue;
        if (widest == columns_.size() || widths[i] > widths[widest]) widest = i;
      }
      if (widest == columns_.size()) break;
      --widths[widest];
      --excess;
    }
  }
  std::string text;
  auto line = [&](const std::vector<std::string>& cells, bool title) {
    std::string out;
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string cell = columns_[i].cuts ? Fit(cells[i], widths[i]) : cells[i];
      size_t columns = Columns(cell);
      std::string pad(widths[i] > columns ? widths[i] - columns : 0, ' ');
      if (i > 0) out.append(kGap, ' ');
      out.append(columns_[i].right ? pad + cell : cell + pad);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text.append(title ? terminal.Bold(out) : out).push_back('\n');
  };
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  if (head) line(titles, true);
  for (const auto& row : rows_) line(row, false);
  return text;
}

}  // namespace ringpost::cli
