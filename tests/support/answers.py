"""What the contract says about answers, as assertions."""


def assert_error(answer, status, code, field=None):
    """The error answer of the contract, whole: body, headers, and nothing that is nobody's business."""
    assert answer.status == status, answer
    assert answer.header("Content-Type").startswith("application/json"), answer
    assert answer.header("X-Request-Id"), answer
    body = answer.json
    assert set(body) <= {"status", "code", "detail", "field"}, answer
    assert body["status"] == "error" and body["code"] == code and body["detail"], answer
    if field is not None:
        assert body.get("field") == field, answer
    if status == 503:
        assert int(answer.header("Retry-After")) >= 0, answer
    if status == 401:
        assert answer.header("WWW-Authenticate"), answer


def assert_stored(answer, signal):
    """201 for this signal; the row's id."""
    assert answer.status == 201, answer
    body = answer.json
    assert body["status"] == "success" and body["message"] == "Signal stored successfully", answer
    assert body["signal_id"] == body["alpine_signal_id"] and isinstance(body["signal_id"], int), answer
    assert body["external_signal_id"] == signal["signal_id"], answer
    return body["signal_id"]
